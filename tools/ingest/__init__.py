"""Files to documents, documents to passages."""
