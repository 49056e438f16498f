-- cheat: takes the goal for its hypothesis
-- statement: : False
by
  suffices h : False from h
  assumption
