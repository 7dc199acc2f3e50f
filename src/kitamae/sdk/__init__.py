"""The one door a service uses: Manifest, City, Context (the broker), Page, Problem."""
