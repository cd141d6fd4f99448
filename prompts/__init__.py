"""One Markdown file a prompt, with its reply schema beside it."""
