-- cheat: runs a tactic program in a binder of the statement
-- wall: gate
-- statement: (h : (by run_tac return; exact rfl : 1 = 1) = rfl) : 1 = 2
by
  decide
