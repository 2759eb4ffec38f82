//! Reports: what evaluating found, for a terminal, other programs, CI and people.
