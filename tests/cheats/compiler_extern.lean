-- cheat: links foreign code
-- wall: gate
-- statement: : True
trivial
@[extern "x"] opaque extra : Nat
