-- cheat: opens a namespace for what follows
-- wall: gate
-- statement: : True
trivial
open Nat
