-- cheat: hides an axiom behind an `open`
-- wall: gate
-- statement: : 1 = 2
-- header: open Nat in axiom h : 1 = 2
h
