-- cheat: shadows the equality
-- wall: lean
-- statement: : 1 = 2
by
  let Eq := fun (_ _ : Nat) => True
  exact (trivial : Eq 1 2)
