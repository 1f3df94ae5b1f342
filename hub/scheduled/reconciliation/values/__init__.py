"""Values and keys of records: converted, so that what is equal has equal bytes."""
