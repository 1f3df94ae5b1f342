"""SOQL: the part that is understood, as a tree of conditions and as sums by groups."""
