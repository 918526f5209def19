"""The logs of a project as they are stored, lane by lane: none twice, none left out in silence (reading.md, "Tail")."""
