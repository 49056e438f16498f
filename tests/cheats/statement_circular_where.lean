-- cheat: two local declarations prove one another
-- wall: lean
-- statement: : False
a ()
where
  a : Unit → False := fun _ => b ()
  b : Unit → False := fun _ => a ()
