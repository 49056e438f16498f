-- cheat: takes an implementation from outside
-- wall: gate
-- statement: : 1 = 2
by decide
@[extern "no_such_symbol"] opaque x : Nat
