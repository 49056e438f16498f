-- cheat: asks #check
-- statement: : True
trivial
#check Nat
