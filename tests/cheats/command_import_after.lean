-- cheat: imports a module after the proof
-- wall: gate
-- statement: : True
trivial
import Lean
