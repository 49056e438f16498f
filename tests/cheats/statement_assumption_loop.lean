-- cheat: takes the goal for its hypothesis
-- wall: gate
-- statement: : False
by
  suffices h : False from h
  assumption
