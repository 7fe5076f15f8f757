"""How the page of a report looks and what moves on it. Both stand in the page itself, which asks the net for nothing.

The page says by their hashes that it runs this script and shows this style, and nothing else.
"""

STYLE = """
:root{color-scheme:light dark;--paper:#fff;--card:#f6f8fa;--ink:#1b1f24;--quiet:#57606a;--rule:#d0d7de;--train:#0b63b0;
--dev:#b84a00;--cost:#6f42a8;--fine:#1a7f37;--high:#b42318;--unsure:#8a5a00;--good:26 127 55;--bad:180 35 24;
--l0:#1f4e9e;--l1:#0a7ab5;--l2:#00827f;--l3:#3d7d2f;--l4:#7d7200;--l5:#b0590a;--l6:#b03060;--l7:#7b4ab0}
@media (prefers-color-scheme:dark){:root{--paper:#12161b;--card:#1b2128;--ink:#e6e9ee;--quiet:#a6afba;--rule:#3a434e;
--train:#6cb6ff;--dev:#ff9f5a;--cost:#c9a4ff;--fine:#5fd080;--high:#ff8a80;--unsure:#e8b84a;--good:70 200 110;
--bad:255 110 100;--l0:#8ab0ff;--l1:#56c0f0;--l2:#3fcfc0;--l3:#86d070;--l4:#d8c84a;--l5:#f5a35c;--l6:#f58bb0;
--l7:#c39bff}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1120px;padding:16px;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.6rem;margin:.2em 0}h2{font-size:1.25rem;margin:2em 0 .5em;border-bottom:1px solid var(--rule)}
h3{font-size:1rem;margin:0}p{margin:.3em 0}a{color:var(--train)}
:focus-visible{outline:3px solid var(--train);outline-offset:2px}
.skip{position:absolute;left:-999px}.skip:focus{position:static}
nav ul{display:flex;flex-wrap:wrap;gap:4px 16px;padding:0;margin:.6em 0;list-style:none}
.verdict{font-size:1.15rem;font-weight:700;display:inline-block;padding:4px 12px;border:2px solid;border-radius:8px}
.fine{color:var(--fine)}.high{color:var(--high)}.unsure{color:var(--unsure)}.quiet,figcaption,.note{color:var(--quiet)}
.strong{font-weight:600}.wrong{color:var(--high)}
.tiles{display:flex;flex-wrap:wrap;gap:8px;margin:1em 0;padding:0}
.tiles div{background:var(--card);border-radius:8px;padding:8px 14px}.tiles dt{color:var(--quiet);font-size:.85rem}
.tiles dd{margin:0;font-size:1.2rem;font-weight:600}
.actions,.findings{padding-left:1.4em}.actions>li{margin:.9em 0}
.chip{display:inline-block;font-size:.8rem;border:1px solid var(--rule);border-radius:999px;padding:0 9px;margin:0 4px}
.set{display:flex;gap:8px;align-items:start;flex-wrap:wrap}
code{font:.88rem/1.5 ui-monospace,Menlo,Consolas,monospace;background:var(--card);border-radius:6px;padding:3px 8px}
button{font:inherit;font-size:.85rem;color:var(--ink);background:var(--card);border:1px solid var(--rule);
border-radius:6px;padding:3px 10px;min-height:30px;cursor:pointer}button[aria-pressed=true]{border-color:var(--train);
box-shadow:inset 0 0 0 1px var(--train)}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,360px),1fr));gap:20px}
figure{margin:0;padding:12px;background:var(--card);border-radius:10px;min-width:0;position:relative}
.head{display:flex;justify-content:space-between;gap:8px;align-items:center;min-height:32px}
figcaption,.note{font-size:.87rem}
svg{max-width:100%}svg.chart,svg.bars,svg.boundary{display:block;width:100%;height:auto;max-width:500px}
svg.chart{touch-action:pan-y;cursor:crosshair}
svg text{font-size:12.5px;fill:var(--ink);unicode-bidi:isolate}
svg.bars text{paint-order:stroke;stroke:var(--card);stroke-width:5px;stroke-linejoin:round}
svg .unit{fill:var(--quiet)}text.high{fill:var(--high)}text.fine{fill:var(--fine)}text.unsure{fill:var(--unsure)}
.line{fill:none;stroke-width:2;stroke-linejoin:round}.axis{stroke:var(--quiet)}.grid{stroke:var(--rule)}
.train{stroke:var(--train);stroke-dasharray:6 3}.dev{stroke:var(--dev)}.cost{stroke:var(--cost);stroke-dasharray:2 3}
.rate{stroke:var(--train)}.l0{stroke:var(--l0)}.l1{stroke:var(--l1);stroke-dasharray:8 2}.l2{stroke:var(--l2)}
.l3{stroke:var(--l3);stroke-dasharray:4 2}.l4{stroke:var(--l4)}.l5{stroke:var(--l5);stroke-dasharray:8 2 2 2}
.l6{stroke:var(--l6)}.l7{stroke:var(--l7);stroke-dasharray:2 2}
.dot{fill:var(--paper);stroke-width:2;stroke-dasharray:none}
.mark line{stroke:var(--quiet);stroke-dasharray:3 3}.mark.best line{stroke:var(--fine);stroke-width:1.5}
.mark text{font-size:11.5px;paint-order:stroke;stroke:var(--card);stroke-width:4px;stroke-linejoin:round}
.mark path{fill:var(--high)}.cross{stroke:var(--ink);stroke-opacity:.6;pointer-events:none}
.chart .log,.chart.is-log .linear{display:none}.chart.is-log .log{display:inline}
.legend{display:flex;flex-wrap:wrap;gap:2px 14px;padding:0;margin:4px 0;list-style:none;font-size:.87rem}
.key{width:28px;height:10px;margin-right:5px}.shape{width:14px;height:14px;margin-right:4px;vertical-align:-2px}
output{position:absolute;z-index:1;pointer-events:none;background:var(--paper);border:1px solid var(--rule);
border-radius:6px;padding:5px 9px;font-size:.85rem;max-width:240px;white-space:pre-line;box-shadow:0 2px 8px #0003}
output:empty{display:none}
.bar{stroke-width:1.5;stroke:var(--quiet);fill:rgb(127 127 127/.25)}
.bar.high{stroke:var(--high);fill:rgb(var(--bad)/.3)}
.bar.fine{stroke:var(--fine);fill:rgb(var(--good)/.3)}.bar.unsure{stroke:var(--unsure)}
.whisker{stroke:var(--ink);stroke-width:1.5}.threshold{stroke:var(--dev);stroke-width:2.5}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}
th,td{padding:4px 10px;text-align:right;border-bottom:1px solid var(--rule);font-weight:400}
th:first-child,td:first-child,td.words,th.words{text-align:left}thead th{color:var(--quiet)}
th,td{overflow-wrap:normal;white-space:nowrap}td.words,.config td,th[scope=row]{white-space:normal}
td.words{min-width:16em}.config td{overflow-wrap:break-word;min-width:6em;max-width:24em}
.config th{overflow-wrap:break-word}.config td:nth-child(2){min-width:9em}
.config tr.differs th,.config tr.differs td:not(.quiet){font-weight:600}.config td,.config th{text-align:left}
.matrix td{text-align:center;min-width:2.6em;padding:6px 4px}.matrix th{max-width:9em}
.matrix thead th:first-child{padding-right:1em;max-width:none}
.g1,.b1{--a:.08}.g2,.b2{--a:.18}.g3,.b3{--a:.28}.g4,.b4{--a:.38}.g5,.b5{--a:.48}
.g1,.g2,.g3,.g4,.g5{background:rgb(var(--good)/var(--a))}.b1,.b2,.b3,.b4,.b5{background:rgb(var(--bad)/var(--a))}
details{margin:.5em 0}summary{cursor:pointer;color:var(--quiet);font-size:.9rem;padding:4px 0}
.frame{fill:none;stroke:var(--quiet)}.point{stroke:var(--paper);stroke-width:.8}
.point.wrong{stroke:var(--ink);stroke-width:2}.c0{fill:#0072b2}.c1{fill:#d55e00}.c2{fill:#008c69}.c3{fill:#be5a96}
.c4{fill:#785ec8}.c5{fill:#8c6432}.c6{fill:#968c00}.c7{fill:#1e96be}.c8{fill:#808080}.c9{fill:#c83246}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(140px,1fr));gap:12px;padding:0;list-style:none}
.card{background:var(--card);border-radius:10px;padding:10px;font-size:.87rem}.card p{margin:.1em 0}
.features{padding-left:1.2em;margin:.3em 0}.pixels{image-rendering:pixelated;background:#888}
@media(max-width:520px){svg text{font-size:15px}svg.chart{overflow:visible}.config th[scope=row]{max-width:11em}}
@media print{button,nav,output{display:none}figure{break-inside:avoid}}
"""

SCRIPT = """
(()=>{"use strict";
const SVG="http://www.w3.org/2000/svg";
const make=(name,attributes)=>{const made=document.createElementNS(SVG,name);
  for(const key in attributes)made.setAttribute(key,attributes[key]);return made};
const written=(value,percent)=>value===null?"none"
  :percent?(100*value).toFixed(2)+" %":String(Number(value.toPrecision(5)));
const place=(ends,logarithmic,value)=>logarithmic?Math.log(value/ends[0])/Math.log(ends[1]/ends[0])
  :(value-ends[0])/(ends[1]-ends[0]);

for(const chart of document.querySelectorAll("svg[data-chart]")){
  const data=JSON.parse(chart.dataset.chart),[left,top,right,bottom]=data.plot;
  const figure=chart.closest("figure"),output=figure.querySelector("output"),button=figure.querySelector("button");
  const across=index=>left+(right-left)*place(data.ends,false,data.x[index]);
  const cross=make("line",{y1:top,y2:bottom,class:"cross"}),dots=make("g",{});
  let at=-1;

  const hide=()=>{at=-1;cross.remove();dots.remove();output.textContent=""};
  const show=index=>{
    at=Math.max(0,Math.min(data.x.length-1,index));
    const x=across(at),log=chart.classList.contains("is-log"),ends=log?data.log:data.linear;
    cross.setAttribute("x1",x);cross.setAttribute("x2",x);dots.replaceChildren();
    const words=[data.across+" "+data.x[at]];
    data.y.forEach((values,number)=>{
      const value=values[at];
      words.push(data.names[number]+": "+written(value,data.percent));
      if(value!==null)dots.append(make("circle",
        {cx:x,cy:bottom-(bottom-top)*place(ends,log,value),r:4,class:"dot "+data.roles[number]}));
    });
    for(const [moment,text] of data.marks)if(moment===data.x[at])words.push(text);
    output.textContent=words.join("\\n");
    chart.append(cross,dots);
    const box=chart.getBoundingClientRect(),around=figure.getBoundingClientRect();
    const spot=box.left-around.left+x/chart.viewBox.baseVal.width*box.width;
    const width=output.offsetWidth,beside=spot+14+width>around.width?spot-14-width:spot+14;
    output.style.left=Math.max(4,beside)+"px";
    output.style.top=box.top-around.top+8+"px";
  };
  const nearest=event=>{
    const box=chart.getBoundingClientRect();
    const x=(event.clientX-box.left)/box.width*chart.viewBox.baseVal.width;
    let best=0;
    data.x.forEach((_,index)=>{if(Math.abs(across(index)-x)<Math.abs(across(best)-x))best=index});
    return best;
  };
  chart.addEventListener("pointermove",event=>show(nearest(event)));
  chart.addEventListener("pointerdown",event=>show(nearest(event)));
  chart.addEventListener("pointerleave",hide);
  chart.addEventListener("blur",hide);
  chart.addEventListener("keydown",event=>{
    const last=data.x.length-1,start=at<0?last:at;
    const to={ArrowLeft:at<0?last:start-1,ArrowRight:at<0?0:start+1,Home:0,End:last}[event.key];
    if(event.key==="Escape")hide();
    else if(to!==undefined){event.preventDefault();show(to)}
  });
  if(button){
    button.hidden=false;
    button.addEventListener("click",()=>{
      button.setAttribute("aria-pressed",String(chart.classList.toggle("is-log")));hide()});
  }
}

for(const button of document.querySelectorAll("button.copy")){
  const code=button.previousElementSibling;
  button.hidden=false;
  button.addEventListener("click",async()=>{
    getSelection().selectAllChildren(code);
    try{await navigator.clipboard.writeText(code.textContent);button.textContent="copied"}
    catch{button.textContent="selected: copy it"}
  });
}
})();
"""
