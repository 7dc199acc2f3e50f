"""What gauges say, watched: which readings are believed, and what they raise.

quality.py   which readings are not believed, and why; what is believed of the water after each
alerts.py    from what is believed to Alert entities
"""
