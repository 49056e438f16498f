-- cheat: declares an axiom after the proof
-- statement: : False
h
axiom h : False
