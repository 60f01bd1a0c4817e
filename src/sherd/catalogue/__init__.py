"""Truth on disk: records, pictures, regions, sources and jobs in SQL."""
