-- cheat: adds a simplification procedure
-- wall: gate
-- statement: : True
trivial
simproc cheat (_ + _) := fun _ => return .continue
