"""What the nodes call: search, rerank, reason, and beneath them store, embed, llm, ingest."""
