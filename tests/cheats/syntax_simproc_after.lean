-- cheat: adds a simplification procedure
-- statement: : True
trivial
simproc cheat (_ + _) := fun _ => return .continue
