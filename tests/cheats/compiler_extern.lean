-- cheat: links foreign code
-- statement: : True
trivial
@[extern "x"] opaque extra : Nat
