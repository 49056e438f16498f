-- cheat: closes one of two goals
-- statement: (p q : Prop) (h : p) : p ∧ q
by
  constructor
  · exact h
