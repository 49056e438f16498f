-- cheat: forges the report on axioms
-- wall: gate
-- statement: : True
trivial
#print axioms Nat.add_comm
