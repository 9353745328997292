"""The service beside its peers, on the same schema, rows and machine. Run by `make bench`; not part of the tests."""
