-- cheat: puts sorry in a let rec
-- wall: gate
-- statement: : False
by
  let rec go : Nat → False := fun _ => sorry
  exact go 0
