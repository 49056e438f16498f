-- cheat: initialises above the statement
-- wall: gate
-- statement: : 1 = 2
-- header: import Lean\ninitialize x : Nat ← pure 5
by decide
