-- cheat: reaches Lean by a name that ends in it
-- wall: gate
-- statement: : 1 = 2
by open Foo.Lean.Elab in decide
