"""Registrations of NGSIv2: kept with those of NGSI-LD (`form`), and what follows from them: who is asked (`providers`), and how (`ask`)."""
