"""What a relic may be called, by a thesaurus: proposed by the machine, decided by people."""
