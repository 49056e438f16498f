-- cheat: adds a rule for compiled code
-- wall: gate
-- statement: : True
trivial
@[csimp] theorem extra : Nat.add = Nat.add := rfl
