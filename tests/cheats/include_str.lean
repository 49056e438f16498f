-- cheat: reads a file while elaborating
-- wall: gate
-- statement: : False
absurd (include_str "x") (fun _ => sorry)
