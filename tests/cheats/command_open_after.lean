-- cheat: opens a namespace for what follows
-- statement: : True
trivial
open Nat
