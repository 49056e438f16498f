-- cheat: takes the goal for its hypothesis
-- wall: lean
-- statement: : False
by
  suffices h : False from h
  assumption
