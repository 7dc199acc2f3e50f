"""Pages of capability links: `/l/<code>` for whoever holds one, `/staff/links` for the desk that gives them out."""

from pathlib import Path

HERE = Path(__file__).parent
