-- cheat: imports a module after the proof
-- statement: : True
trivial
import Lean
