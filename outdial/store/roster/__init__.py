"""Recipients of a campaign: enrolled, read, requeued, withdrawn, explained."""
