"""The topology: schema, strict loader, needs against links. Imports nothing of ours."""
