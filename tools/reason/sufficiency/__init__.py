"""Whether the evidence at hand answers what is asked: signs of it, and a learned head."""
