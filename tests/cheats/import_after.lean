-- cheat: imports another file
-- wall: gate
-- statement: : 1 = 2
by decide
import Lean
