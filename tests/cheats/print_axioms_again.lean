-- cheat: prints another answer about axioms
-- wall: gate
-- statement: : False
by sorry
#print axioms Nat.add_comm
