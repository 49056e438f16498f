-- cheat: closes one of two goals
-- wall: lean
-- statement: (p q : Prop) (h : p) : p ∧ q
by
  constructor
  · exact h
