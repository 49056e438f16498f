-- cheat: casts along a false equation of types
-- wall: lean
-- statement: : False
cast (congrArg (fun p => p) (propext ⟨fun _ => trivial, fun _ => by assumption⟩)) trivial
