-- cheat: adds a rule for compiled code
-- statement: : True
trivial
@[csimp] theorem extra : Nat.add = Nat.add := rfl
