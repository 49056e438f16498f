-- cheat: ties a knot with an unproved end
-- wall: lean
-- statement: : False
WellFounded.fix (r := fun _ _ : Unit => True) ⟨fun _ => ⟨_, fun y _ => nomatch y⟩⟩ (fun x f => f x trivial) ()
