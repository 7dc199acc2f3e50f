"""The shell: layout, components, languages, islands."""
