-- cheat: uses the theorem in its own proof by a tactic
-- statement: : False
by exact stp_target
