-- cheat: forges the report on axioms
-- statement: : True
trivial
#print axioms Nat.add_comm
