"""A REST service for policing Performance Improvement Plans."""
