"""Keys with their rights and quotas, contacts, agents and numbers of a tenant."""
