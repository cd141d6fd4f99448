"""What people use: the SDK, the settings, the command line."""
